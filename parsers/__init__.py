"""From bytes on disk to a `Run`: discovery, one small module per format, and the data model."""
