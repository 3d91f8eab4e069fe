"""Files for other programs: portable ONNX files, model repositories, model pages."""
