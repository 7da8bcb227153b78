"""Networks over images as machines that read a pixel a clock cycle: each kernel once, line buffers as registers."""
