"""From a network's scores to its answer: the searches over what it may have meant."""
