"""Reading event files: records, checksums, protobuf fields and scalars."""
