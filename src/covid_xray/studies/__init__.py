"""A study of radiographs as files and tables: layout, sources, groups, splits, variants."""
