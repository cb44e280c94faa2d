//! What the specification demands, shown on bytes; and what no input may do.
//! Tests of one file's own rules are at its foot.
