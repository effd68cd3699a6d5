"""What a person can do with trained models: a module per field, its commands in ``app``; ``unroll.cli`` joins them."""
