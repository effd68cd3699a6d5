"""Recurrent networks on real sequence data, from raw source to a trained model that you can use and rerun."""
