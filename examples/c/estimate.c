/* The mutual information of two columns by copula.onnx, with ONNX Runtime and our operators:
 * estimate MODEL LIBRARY. One column is a part of the other. */
#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 1000 };
static const OrtApi* ort;

static void check(OrtStatus* status) {
  if (status == NULL) return;
  fprintf(stderr, "%s\n", ort->GetErrorMessage(status));
  exit(EXIT_FAILURE);
}

int main(int count, char** arguments) {
  if (count != 3) return EXIT_FAILURE;
  static float samples[1][N][2];
  for (int i = 0; i < N; ++i) {
    samples[0][i][0] = (float)(i * 383 % N);
    samples[0][i][1] = samples[0][i][0] + 0.3717f * (float)(i * 11 % N);
  }
  ort = OrtGetApiBase()->GetApi(17); /* of ONNX Runtime 1.17 */
  OrtEnv* environment;
  OrtSessionOptions* options;
  OrtSession* session;
  OrtMemoryInfo* memory;
  OrtValue *input, *output = NULL;
  const int64_t shape[] = {1, N, 2};
  const char *inputs[] = {"samples"}, *outputs[] = {"mi"};
  float* mi;
  check(ort->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "estimate", &environment));
  check(ort->CreateSessionOptions(&options));
  check(ort->RegisterCustomOpsLibrary_V2(options, arguments[2]));
  check(ort->CreateSession(environment, arguments[1], options, &session));
  check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  check(ort->CreateTensorWithDataAsOrtValue(memory, samples, sizeof samples, shape, 3,
                                            ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &input));
  const OrtValue* given = input;
  check(ort->Run(session, NULL, inputs, &given, 1, outputs, 1, &output));
  check(ort->GetTensorMutableData(output, (void**)&mi));
  printf("%.6f nats\n", mi[0]);
  ort->ReleaseValue(output);
  ort->ReleaseValue(input);
  ort->ReleaseMemoryInfo(memory);
  ort->ReleaseSession(session);
  ort->ReleaseSessionOptions(options);
  ort->ReleaseEnv(environment);
  return EXIT_SUCCESS;
}
