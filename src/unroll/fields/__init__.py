"""One file per field: raw source to examples, and how a prediction is shown. A field is not an architecture."""
