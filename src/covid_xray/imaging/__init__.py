"""Pure functions on arrays: decoding, features, hashing, similarity, sharpness, augmentation."""
