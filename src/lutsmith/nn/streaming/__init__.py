"""Networks over images as machines that read a pixel in each clock cycle: each kernel once, line buffers as registers."""
