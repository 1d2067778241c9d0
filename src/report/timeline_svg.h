#pragma once
// The picture of a run as a file for browsers, talks and READMEs.
#include <string>

#include "report/timeline.h"

namespace procrun::report {

/// A stand-alone SVG: no script, no font and no other resource is needed. Its colours are the
/// reader's, light or dark; its text is text; each process tells its story where it is pointed at,
/// and the first ones in the description. `title` says what ran.
std::string timeline_svg(const History& history, const std::string& title);

}  // namespace procrun::report
