"""TensorRT and TensorRT-RTX engines from exported models. Needs neither PyTorch nor onnx."""
