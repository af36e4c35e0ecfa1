"""A siege: one client asks and writes while another, or a stranger, pushes in one of several ways."""
