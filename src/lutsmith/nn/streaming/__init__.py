"""Networks over images as machines that read one pixel per clock cycle: each kernel once, line buffers as registers."""
