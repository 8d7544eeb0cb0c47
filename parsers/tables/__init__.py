"""Reading delimited tables, line by line or column by column."""
