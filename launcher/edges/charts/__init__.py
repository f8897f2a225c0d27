"""Charts from a registry: fetched by helm, checked, and kept on the disk by digest."""
