"""What is computed on pixels: bytes and tensors, convolution, resampling, PSNR."""
