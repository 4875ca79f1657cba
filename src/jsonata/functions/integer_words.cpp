#include <algorithm>
#include <cmath>
#include <iterator>

#include "jsonata/functions/integer_picture.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::string_view few[] = {"Zero",     "One",     "Two",     "Three",     "Four",     "Five",    "Six",
                                    "Seven",    "Eight",   "Nine",    "Ten",       "Eleven",   "Twelve",  "Thirteen",
                                    "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"};
constexpr std::string_view few_ordinal[] = {"Zeroth",    "First",     "Second",      "Third",      "Fourth",
                                            "Fifth",     "Sixth",     "Seventh",     "Eighth",     "Ninth",
                                            "Tenth",     "Eleventh",  "Twelfth",     "Thirteenth", "Fourteenth",
                                            "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth", "Nineteenth"};
constexpr std::string_view decades[] = {"Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"};
constexpr std::string_view magnitudes[] = {"Thousand", "Million", "Billion", "Trillion"};

std::string spell(double n, bool continued, bool ordinal) {
  std::string words;
  if (n <= 19) {
    std::size_t i = static_cast<std::size_t>(n);
    return words.append(continued ? " and " : "").append(ordinal ? few_ordinal[i] : few[i]);
  }
  if (n < 100) {
    double rest = std::fmod(n, 10);
    words.append(continued ? " and " : "").append(decades[static_cast<std::size_t>(n / 10) - 2]);
    if (rest > 0) return words.append("-").append(spell(rest, false, ordinal));
    if (ordinal) words.replace(words.size() - 1, 1, "ieth");
    return words;
  }
  double unit = 100;
  std::string_view name = "Hundred";
  if (n >= 1000) {
    std::size_t magnitude = std::min<std::size_t>(static_cast<std::size_t>(std::log10(n) / 3), std::size(magnitudes));
    if (std::pow(10, 3.0 * static_cast<double>(magnitude)) > n) --magnitude;
    unit = std::pow(10, 3.0 * static_cast<double>(magnitude));
    name = magnitudes[magnitude - 1];
  }
  double many = std::floor(n / unit);
  double rest = n - many * unit;
  words.append(continued ? ", " : "").append(spell(many, false, false)).append(" ").append(name);
  if (rest > 0) return words.append(spell(rest, true, ordinal));
  return words.append(ordinal ? "th" : "");
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return result;
}

/// The value of one word; NaN for what is none.
double value_of(std::string_view word) {
  for (std::size_t i = 0; i < std::size(few); ++i) {
    if (word == lower(few[i]) || word == lower(few_ordinal[i])) return static_cast<double>(i);
  }
  for (std::size_t i = 0; i < std::size(decades); ++i) {
    std::string name = lower(decades[i]);
    if (word == name || word == name.substr(0, name.size() - 1) + "ieth") return static_cast<double>(i + 2) * 10;
  }
  if (word == "hundred" || word == "hundredth") return 100;
  for (std::size_t i = 0; i < std::size(magnitudes); ++i) {
    std::string name = lower(magnitudes[i]);
    if (word == name || word == name + "th") return std::pow(10, 3.0 * static_cast<double>(i + 1));
  }
  return NAN;
}

}  // namespace

std::string words_of(double value, bool ordinal) {
  return spell(value, false, ordinal);
}

double number_of_words(std::string_view text) {
  std::vector<double> segments{0};
  std::size_t from = 0;
  auto take = [&](std::string_view word) {
    double value = value_of(word);
    if (value < 100) {
      double top = segments.back();
      segments.pop_back();
      if (top >= 1000) {
        segments.push_back(top);
        top = 0;
      }
      segments.push_back(top + value);
    } else {
      segments.back() *= value;
    }
  };
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t separator = 0;
    if (at < text.size()) {
      if (text.substr(at, 2) == ", ")
        separator = 2;
      else if (text.substr(at, 5) == " and ")
        separator = 5;
      else if (text[at] == ' ' || text[at] == '-' || text[at] == '\\')
        separator = 1;
    }
    if (at < text.size() && separator == 0) {
      ++at;
      continue;
    }
    take(text.substr(from, at - from));
    if (at == text.size()) break;
    at += separator;
    from = at;
  }
  double sum = 0;
  for (double segment : segments) sum += segment;
  return sum;
}

std::string word_alternatives() {
  std::vector<std::string> words;
  for (std::string_view word : few) words.push_back(lower(word));
  for (std::string_view word : few_ordinal) words.push_back(lower(word));
  for (std::string_view word : decades) {
    words.push_back(lower(word));
    words.push_back(lower(word.substr(0, word.size() - 1)) + "ieth");
  }
  words.insert(words.end(), {"hundred", "hundredth"});
  for (std::string_view word : magnitudes) {
    words.push_back(lower(word));
    words.push_back(lower(word) + "th");
  }
  std::string joined;
  for (const std::string& word : words) joined.append(word).append("|");
  return joined.append("and|[\\-, ]");
}

}  // namespace millrace::jsonata
