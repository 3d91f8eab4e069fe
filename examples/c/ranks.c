/* Ranks and a joint histogram from C, by the library that the Python package installs. */
#include <infonet/kernels.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 1000, GRID = 4 };

static void check(int code) {
  if (code == INFONET_OK) return;
  fprintf(stderr, "infonet: %s\n", infonet_last_error());
  exit(EXIT_FAILURE);
}

int main(void) {
  if (infonet_kernels_version() != INFONET_KERNELS_VERSION) {
    fprintf(stderr, "the library has another version than the header\n");
    return EXIT_FAILURE;
  }
  double x[N];
  long long y[N]; /* as many levels as a die, that depend on x */
  for (int i = 0; i < N; ++i) {
    x[i] = (i * 383 % N) * 1e-3;
    y[i] = (int)(6 * x[i] * x[i]);
  }
  const InfonetColumn columns[2] = {{x, sizeof x[0], INFONET_FLOAT64},
                                    {y, sizeof y[0], INFONET_INT64}};
  static float ranks[2][N], histogram[GRID][GRID];
  uint8_t ties[2];
  double entropy[2];
  check(infonet_rank_columns(columns, 2, N, INFONET_MIDRANK, 1, ranks[0], ties, entropy));
  printf("x has %s, y has %s and an entropy of %.4f nats\n", ties[0] ? "ties" : "no ties",
         ties[1] ? "ties" : "no ties", entropy[1]);
  check(infonet_joint_histogram(ranks[0], ranks[1], 1, N, GRID, 1, histogram[0]));
  for (int i = 0; i < GRID; ++i) {
    for (int j = 0; j < GRID; ++j) printf("%8.2f", histogram[i][j]);
    printf("\n");
  }
  x[7] = 0.0 / (x[0] - x[0]); /* NaN is refused, with its place */
  if (infonet_rank_columns(columns, 2, N, INFONET_MIDRANK, 1, ranks[0], ties, entropy)) {
    printf("%s\n", infonet_last_error());
  }
  return EXIT_SUCCESS;
}
