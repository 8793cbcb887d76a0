"""Forward and backward passes with less between the products, for training on a CPU."""
