"""Dimension reduction: eigen-images, codes of autoencoders, t-SNE."""
