"""Images: IDX files, MNIST and Fashion-MNIST, and the digits that are embedded."""
