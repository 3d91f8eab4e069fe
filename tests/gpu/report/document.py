"""The report as Markdown: a table of all steps, then what each one printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parts import Part

Entry = Mapping[str, object]


def line(entry: Entry) -> str:
    """One line for a step."""
    note = f" ({entry['note']})" if entry["note"] else ""
    return f"{entry['part']}. {entry['step']}: {entry['status']}{note}, {entry['seconds']} s"


def overview(parts: Sequence[Part]) -> str:
    """Parts and steps with their limits, without running them."""
    lines = []
    for part in parts:
        lines.append(f"{part.number}. {part.title}, at most {part.seconds:.0f} s")
        lines += [f"   {n}. {s.name}, {s.seconds:.0f} s" for n, s in enumerate(part.steps, 1)]
    return "\n".join(lines)


def markdown(entries: Sequence[Entry]) -> str:
    """The whole report. entries: as in report.json, in order."""
    passed = sum(entry["status"] == "passed" for entry in entries)
    blocks = ["# GPU report", f"{passed} of {len(entries)} steps passed."]
    rows = ["| part | step | status | seconds |", "| --- | --- | --- | ---: |"]
    for entry in entries:
        status = f"**{entry['status']}**" if entry["status"] != "passed" else "passed"
        note = f": {entry['note']}" if entry["note"] else ""
        cells = [f"{entry['part']}", f"{entry['step']}", f"{status}{note}", f"{entry['seconds']}"]
        rows.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    blocks.append("\n".join(rows))
    part = None
    for entry in entries:
        if entry["part"] != part:
            part = entry["part"]
            blocks.append(f"## {part}. {entry['title']}")
        blocks.append(f"### {entry['step']}: {entry['status']}")
        blocks.append(f"`{entry['command']}`" + (f" ({entry['log']})" if entry["log"] else ""))
        if entry["text"]:
            blocks.append(f"```text\n{str(entry['text']).replace('```', '` ` `')}\n```")
    return "\n\n".join(blocks) + "\n"
