"""Recurrent layers under one contract, see ``unroll.layers.contract``."""
