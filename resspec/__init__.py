"""resspec: a declarative architecture-spec compiler for convolutional, above all residual, networks."""
