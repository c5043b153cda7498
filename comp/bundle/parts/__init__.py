"""The program of a bundle, in parts that `comp.bundle.assemble` joins to one file."""
