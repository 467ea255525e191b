"""HTTP: the server, the routes, replies, recorded requests and transport faults."""
