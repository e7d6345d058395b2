"""What made each output: records down the graph, kept beside a study's outputs."""
