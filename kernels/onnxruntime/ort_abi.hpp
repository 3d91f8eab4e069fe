// The part of ONNX Runtime's C interface that the custom ops use, declared here because no package
// registry carries the header. Slot numbers of OrtApi and fields of OrtCustomOp are frozen once
// released; these hold from ONNX Runtime 1.17 (API version 17) on.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
struct OrtApi;  // a table of function pointers
struct OrtStatus;
struct OrtValue;
struct OrtKernelInfo;
struct OrtKernelContext;
struct OrtSessionOptions;
struct OrtCustomOpDomain;
struct OrtShapeInferContext;
struct OrtTensorTypeAndShapeInfo;
struct OrtOpAttr;
struct OrtAllocator;
struct OrtMemoryInfo;

struct OrtApiBase {
  const OrtApi* (*GetApi)(std::uint32_t version);
  const char* (*GetVersionString)();
};

struct OrtCustomOp {
  std::uint32_t version;
  void* (*CreateKernel)(const OrtCustomOp*, const OrtApi*, const OrtKernelInfo*);
  const char* (*GetName)(const OrtCustomOp*);
  const char* (*GetExecutionProviderType)(const OrtCustomOp*);
  int (*GetInputType)(const OrtCustomOp*, std::size_t index);
  std::size_t (*GetInputTypeCount)(const OrtCustomOp*);
  int (*GetOutputType)(const OrtCustomOp*, std::size_t index);
  std::size_t (*GetOutputTypeCount)(const OrtCustomOp*);
  void (*KernelCompute)(void* kernel, OrtKernelContext*);
  void (*KernelDestroy)(void* kernel);
  int (*GetInputCharacteristic)(const OrtCustomOp*, std::size_t index);
  int (*GetOutputCharacteristic)(const OrtCustomOp*, std::size_t index);
  int (*GetInputMemoryType)(const OrtCustomOp*, std::size_t index);
  int (*GetVariadicInputMinArity)(const OrtCustomOp*);
  int (*GetVariadicInputHomogeneity)(const OrtCustomOp*);
  int (*GetVariadicOutputMinArity)(const OrtCustomOp*);
  int (*GetVariadicOutputHomogeneity)(const OrtCustomOp*);
  OrtStatus* (*CreateKernelV2)(const OrtCustomOp*, const OrtApi*, const OrtKernelInfo*,
                               void** kernel);
  OrtStatus* (*KernelComputeV2)(void* kernel, OrtKernelContext*);
  OrtStatus* (*InferOutputShapeFn)(const OrtCustomOp*, OrtShapeInferContext*);
  int (*GetStartVersion)(const OrtCustomOp*);
  int (*GetEndVersion)(const OrtCustomOp*);
  std::size_t (*GetMayInplace)(int** inputs, int** outputs);
  void (*ReleaseMayInplace)(int* inputs, int* outputs);
  std::size_t (*GetAliasMap)(int** inputs, int** outputs);
  void (*ReleaseAliasMap)(int* inputs, int* outputs);
};
}

namespace infonet::ort {

constexpr std::uint32_t kApiVersion = 17;  // of OrtCustomOp as it is here

enum ErrorCode { kFail = 1, kInvalidArgument = 2 };
enum ElementType { kFloat = 1 };
enum Characteristic { kRequired = 0 };
enum MemoryType { kDefaultMemory = 0 };  // of the op's execution provider
enum AttributeType { kIntegerAttribute = 1 };

// The function in one slot of OrtApi, called as name(api, arguments...).
template <std::size_t slot, typename Signature>
struct Function {
  template <typename... Arguments>
  auto operator()(const OrtApi* api, Arguments... arguments) const {
    using Slot = void (*)();
    const Slot entry = reinterpret_cast<const Slot*>(api)[slot];
    return reinterpret_cast<Signature*>(entry)(arguments...);
  }
};

using Info = OrtTensorTypeAndShapeInfo;

inline constexpr Function<0, OrtStatus*(int, const char*)> CreateStatus;
inline constexpr Function<26, OrtStatus*(const char*, OrtCustomOpDomain**)> CreateCustomOpDomain;
inline constexpr Function<27, OrtStatus*(OrtCustomOpDomain*, const OrtCustomOp*)>
    CustomOpDomain_Add;
inline constexpr Function<28, OrtStatus*(OrtSessionOptions*, OrtCustomOpDomain*)> AddCustomOpDomain;
inline constexpr Function<51, OrtStatus*(OrtValue*, void**)> GetTensorMutableData;
inline constexpr Function<57, OrtStatus*(Info**)> CreateTensorTypeAndShapeInfo;
inline constexpr Function<58, OrtStatus*(Info*, int)> SetTensorElementType;
inline constexpr Function<59, OrtStatus*(Info*, const std::int64_t*, std::size_t)> SetDimensions;
inline constexpr Function<61, OrtStatus*(const Info*, std::size_t*)> GetDimensionsCount;
inline constexpr Function<62, OrtStatus*(const Info*, std::int64_t*, std::size_t)> GetDimensions;
inline constexpr Function<63, OrtStatus*(const Info*, const char**, std::size_t)>
    GetSymbolicDimensions;
inline constexpr Function<65, OrtStatus*(const OrtValue*, Info**)> GetTensorTypeAndShape;
inline constexpr Function<76, OrtStatus*(OrtAllocator*, void*)> AllocatorFree;
inline constexpr Function<77, OrtStatus*(const OrtAllocator*, const OrtMemoryInfo**)>
    AllocatorGetInfo;
inline constexpr Function<85, OrtStatus*(const OrtKernelInfo*, const char*, float*)>
    KernelInfoGetAttribute_float;
inline constexpr Function<86, OrtStatus*(const OrtKernelInfo*, const char*, std::int64_t*)>
    KernelInfoGetAttribute_int64;
inline constexpr Function<87, OrtStatus*(const OrtKernelInfo*, const char*, char*, std::size_t*)>
    KernelInfoGetAttribute_string;
inline constexpr Function<90, OrtStatus*(const OrtKernelContext*, std::size_t, const OrtValue**)>
    KernelContext_GetInput;
inline constexpr Function<91, OrtStatus*(OrtKernelContext*, std::size_t, const std::int64_t*,
                                         std::size_t, OrtValue**)>
    KernelContext_GetOutput;
inline constexpr Function<93, void(OrtStatus*)> ReleaseStatus;
inline constexpr Function<99, void(Info*)> ReleaseTensorTypeAndShapeInfo;
inline constexpr Function<101, void(OrtCustomOpDomain*)> ReleaseCustomOpDomain;
inline constexpr Function<132, void(OrtAllocator*)> ReleaseAllocator;
inline constexpr Function<193, OrtStatus*(const OrtKernelContext*, void**)>
    KernelContext_GetGPUComputeStream;
inline constexpr Function<268, OrtStatus*(const OrtShapeInferContext*, std::size_t, Info**)>
    ShapeInferContext_GetInputTypeShape;
inline constexpr Function<269,
                          OrtStatus*(const OrtShapeInferContext*, const char*, const OrtOpAttr**)>
    ShapeInferContext_GetAttribute;
inline constexpr Function<270, OrtStatus*(const OrtShapeInferContext*, std::size_t, const Info*)>
    ShapeInferContext_SetOutputTypeShape;
inline constexpr Function<271, OrtStatus*(Info*, const char**, std::size_t)> SetSymbolicDimensions;
inline constexpr Function<272, OrtStatus*(const OrtOpAttr*, int, void*, std::size_t, std::size_t*)>
    ReadOpAttr;
inline constexpr Function<274, OrtStatus*(const OrtKernelContext*, void (*)(void*, std::size_t),
                                          std::size_t, std::size_t, void*)>
    KernelContext_ParallelFor;
// From API version 18 on.
inline constexpr Function<277, OrtStatus*(const OrtKernelContext*, const OrtMemoryInfo*,
                                          std::size_t bytes, void**)>
    KernelContext_GetScratchBuffer;
inline constexpr Function<278, OrtStatus*(const OrtKernelInfo*, int memory_type, OrtAllocator**)>
    KernelInfoGetAllocator;

}  // namespace infonet::ort
