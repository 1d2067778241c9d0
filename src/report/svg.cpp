#include "report/svg.h"

#include <fmt/core.h>

namespace procrun::report {

std::string xml(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    // Two letters of Unicode that XML does not have.
    if (text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF")) {
      safe += "?";
      text.remove_prefix(3);
      continue;
    }
    switch (text[0]) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += text[0];
    }
    text.remove_prefix(1);
  }
  return safe;
}

std::string px(double length) {
  std::string text = fmt::format("{:.2f}", length);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

void Svg::rect(std::string_view class_name, double x, double y, double width, double height,
               double radius) {
  out_ += fmt::format(R"(<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="{}"/>)",
                      class_name, px(x), px(y), px(width), px(height), px(radius)) +
          "\n";
}

void Svg::line(std::string_view class_name, double x1, double y1, double x2, double y2) {
  out_ += fmt::format(R"(<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>)", class_name, px(x1),
                      px(y1), px(x2), px(y2)) +
          "\n";
}

void Svg::circle(std::string_view class_name, double x, double y, double radius) {
  out_ += fmt::format(R"(<circle class="{}" cx="{}" cy="{}" r="{}"/>)", class_name, px(x), px(y),
                      px(radius)) +
          "\n";
}

void Svg::path(std::string_view class_name, std::string_view moves) {
  out_ += fmt::format(R"(<path class="{}" d="{}"/>)", class_name, moves) + "\n";
}

void Svg::text(std::string_view class_name, double x, double y, std::string_view text) {
  out_ += fmt::format(R"(<text class="{}" x="{}" y="{}">{}</text>)", class_name, px(x), px(y),
                      xml(text)) +
          "\n";
}

void Svg::open(std::string_view title) { out_ += "<g><title>" + xml(title) + "</title>\n"; }

}  // namespace procrun::report
