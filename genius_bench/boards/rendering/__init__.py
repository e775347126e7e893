"""A sheet in the formats that people read and paste."""
