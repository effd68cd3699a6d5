"""The stages of the pipelines, one file each: the only modules that know where the project keeps its files."""
