"""Where data comes from: the catalogue and its wheels, and readers of the standard formats of own data."""
