"""What is measured of a whole song: size, flow, stress, sound, structure, devices, sentiment."""
