"""Screen a table for dependence: which of its columns tell something of which others?

    pip install 'infonet[plot,sklearn]'
    python examples/screen_columns.py [--output FOLDER] [--rows N]

The table is the data set "digits" that scikit-learn ships: 1797 handwritten digits (UCI, Alpaydin &
Kaynak 1998, CC BY 4.0), 64 columns with the ink of 8 x 8 pixels, 0 to 16, and the digit that was
meant, which is a class: correlation with it means nothing, mutual information does. All pairs are
estimated, tested and adjusted for their number; three pictures are written.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import infonet
import numpy as np
from infonet.plotting import plot_matrix
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

SIDE = 8
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
FALSE_DISCOVERIES = 0.01
WEAK = 0.2  # rank correlations below explain less than 4 % of a variance


def load(rows: int | None) -> dict[str, Any]:
    """Columns by name: pixels r0c0 .. r7c7 that are not always blank, and the digit as a word."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    table: dict[str, Any] = {}
    for pixel, ink in enumerate(digits.data[:rows].T):
        if np.ptp(ink) > 0:
            table[f"r{pixel // SIDE}c{pixel % SIDE}"] = ink
    table["digit"] = [WORDS[digit] for digit in digits.target[:rows]]
    return table


def spearman(table: dict[str, Any]) -> NDArray[np.float64]:
    """Rank correlations of the pixels, [d, d]."""
    return np.asarray(spearmanr(np.stack([table[name] for name in table if name != "digit"], 1))[0])


def missed_by_correlation(
    mi: NDArray[np.float64], rho: NDArray[np.float64], k: int
) -> list[tuple[int, int]]:
    """The k pairs (i, j), i < j, of largest mutual information among those of weak correlation."""
    first, second = np.triu_indices(len(mi), 1)
    weak = np.abs(rho[first, second]) < WEAK
    first, second = first[weak], second[weak]
    order = np.argsort(-mi[first, second], kind="stable")[:k]
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))


def screen(table: dict[str, Any], output: Path) -> None:
    """Print what there is to find, and draw it."""
    estimator = infonet.Estimator()
    pixels = [name for name in table if name != "digit"]
    result = estimator.pairwise(table, columns=pixels)
    pairs = np.triu_indices(len(pixels), 1)
    adjusted = result.adjusted("fdr_bh")[pairs]
    rho = spearman(table)
    print(f"{len(pixels)} pixels of {len(table['digit'])} digits, {len(adjusted)} pairs")
    found = int((adjusted <= FALSE_DISCOVERIES).sum())
    share = f"{FALSE_DISCOVERIES:.0%}"
    print(f"dependent, with at most {share} false discoveries (Benjamini-Hochberg): {found}")
    weak = np.abs(rho[pairs]) < WEAK
    missed = int((weak & (adjusted <= FALSE_DISCOVERIES)).sum())
    print(f"of these with a rank correlation below {WEAK}: {missed}")

    print("\nStrongest pairs")
    for estimate in result.strongest(5):
        i, j = (pixels.index(name) for name in estimate.names)
        print(f"  {estimate}, rank correlation {rho[i, j]:+.2f}")

    print(f"\nWhat correlation misses: strongest of those with a rank correlation below {WEAK}")
    missing = missed_by_correlation(result.mi, rho, 5)
    for i, j in missing:
        print(f"  {result[i, j]}, rank correlation {rho[i, j]:+.2f}")

    told = estimator.pairwise(table, columns=pixels, targets=["digit"])
    print(f"\nWhich pixels tell the digit? ({told.notes[0]})")
    ranking = np.argsort(-told.mi[:, 0], kind="stable")
    for i in ranking[:5]:
        print(f"  {told[int(i), 0]}")
    least = told[int(ranking[-1]), 0]
    print(f"  … and least: {least}")

    print()
    output.mkdir(parents=True, exist_ok=True)
    pictures = {
        "matrix.png": plot_matrix(result),
        "pairs.png": draw_pairs(table, pixels, missing[:3], result, rho),
        "target.png": draw_target(table, told),
    }
    for name, figure in pictures.items():
        figure.savefig(output / name, dpi=90)
        print(f"wrote {name}")


def draw_pairs(
    table: dict[str, Any],
    pixels: list[str],
    pairs: list[tuple[int, int]],
    result: infonet.PairwiseResult,
    rho: NDArray[np.float64],
) -> Any:
    """Ranks of pairs, equal values in random order, coloured by the digit."""
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, (i, j) in zip(figure.subplots(1, len(pairs), squeeze=False)[0], pairs, strict=True):
        x, y = (
            rankdata(table[name] + 1e-6 * rng.random(len(table[name]))) / len(table[name])
            for name in (pixels[i], pixels[j])
        )
        colours = [WORDS.index(word) for word in table["digit"]]
        drawn = axes.scatter(  # crisp points make a small file
            x, y, s=5, c=colours, cmap="tab10", vmin=-0.5, vmax=9.5, linewidths=0, antialiased=False
        )
        axes.set(xlabel=f"{pixels[i]} (rank / n)", ylabel=f"{pixels[j]} (rank / n)", aspect="equal")
        axes.set_title(
            f"{result[i, j].mi:.2f} nats, rank correlation {rho[i, j]:+.2f}", fontsize=10
        )
    figure.colorbar(drawn, ax=figure.axes, ticks=range(10), label="digit")
    return figure


def draw_target(table: dict[str, Any], told: infonet.PairwiseResult) -> Any:
    """What each pixel tells of the digit, where the pixel is."""
    from matplotlib.figure import Figure

    image = np.full((SIDE, SIDE), np.nan)
    for name, mi in zip(told.row_names, told.mi[:, 0], strict=True):
        image[int(name[1]), int(name[3])] = mi
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("0.85")
    drawn = axes.imshow(image, vmin=0)
    axes.set(xlabel="column", ylabel="row", title="what a pixel tells of the digit")
    figure.colorbar(drawn, ax=axes, label="mutual information (nats)")
    return figure


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--rows", type=int, help="digits to look at [default: all]")
    arguments = parser.parse_args()
    screen(load(arguments.rows), arguments.output)


if __name__ == "__main__":
    main()
