"""The ground below all rooms: atomic writes, the cache folder, strict JSON, checked arrays, labels. Never torch."""
