// Alone of the tests' sources, this is compiled for each of the two that are tested.
#include "support.h"

namespace procrun::test {

const char* const kProcrun = PROCRUN_BINARY;
const bool kSanitized = PROCRUN_SANITIZED;

}  // namespace procrun::test
