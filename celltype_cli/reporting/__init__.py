"""Parts of a paper's report: what runs say, the lines of its tables, and the formats they are written in."""
