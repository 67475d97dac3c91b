"""What is secret and how it is recognised: names, shapes, values, elements, paths."""
