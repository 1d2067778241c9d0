#pragma once
// Durations and sizes as people write them; what does not parse is answered with the accepted
// forms.
#include <chrono>
#include <cstdint>
#include <string_view>

namespace procrun::input {

/// What a number without a unit means.
enum class BareNumber { Seconds, Refused };

/// The duration that `text` writes: `250ms`, `1.5s`, `2m`, `1h30m`, `1d`; units are
/// d h m s ms us ns, the larger first. Rounded up to whole nanoseconds, so that only zero is zero.
/// Throws std::invalid_argument (one line, with the accepted forms) for anything else: a sign,
/// an empty text, more than 18 digits after the point, or more than nanoseconds can count (292 a).
std::chrono::nanoseconds parse_duration(std::string_view text,
                                        BareNumber bare = BareNumber::Seconds);

/// The number of bytes that `text` writes: `4096`, `64K` = `64KiB` = 65536, `64KB` = 64000,
/// `1.5G`; K M G T in either case. Rounded up. Throws as parse_duration does.
std::uint64_t parse_size(std::string_view text);

}  // namespace procrun::input
