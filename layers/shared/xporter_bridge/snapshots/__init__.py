"""The storage of rows: order, compression, merge and publication."""
