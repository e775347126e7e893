"""Tables, figures and boards."""
