"""Tables, figures and pages: what the report is made of."""
