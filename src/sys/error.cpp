#include "sys/error.h"

#include <string>
#include <system_error>

namespace procrun::sys {

void fail(std::string_view what, int error) {
  throw std::system_error(error, std::generic_category(), std::string(what));
}

void fail(std::string_view what) { fail(what, errno); }

}  // namespace procrun::sys
