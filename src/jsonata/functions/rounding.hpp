#pragma once

namespace millrace::jsonata {

/// Rounds to `precision` decimal places (negative: tens, hundreds), halves to the even neighbour.
double round_half_even(double number, int precision);

}  // namespace millrace::jsonata
