//! Texts as people type and paste them: line ends of every system, tabs, and the digits of every script. Pure.

/// Where the decimal digits of a script begin: the characters of the general category Nd whose value is zero, Unicode 14. The
/// nine others of a script follow its zero.
#[rustfmt::skip]
const ZEROS: [u32; 65] = [
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0, 0xF20,
    0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0,
    0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0,
    0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50,
    0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// A control character that no writing needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Control {
    /// The character.
    pub(crate) character: char,
    /// Its place in the text, from 1.
    pub(crate) place: usize,
}

/// The text with every line end as LF and every tab as a blank, without white space around it; all else as it was typed.
///
/// # Errors
/// The first other control character.
pub(crate) fn lines(text: &str) -> Result<String, Control> {
    let mut tidy = String::with_capacity(text.len());
    let mut characters = text.chars().enumerate().peekable();
    while let Some((before, character)) = characters.next() {
        match character {
            '\r' => {
                characters.next_if(|(_, next)| *next == '\n');
                tidy.push('\n');
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => tidy.push('\n'),
            '\t' => tidy.push(' '),
            other if other.is_control() => {
                let place = before + 1;
                return Err(Control { character, place });
            }
            other => tidy.push(other),
        }
    }
    Ok(tidy.trim().to_owned())
}

/// As [`lines`], for a phone number or a postal code, which a carrier's machine reads: on one line, and with ASCII digits.
///
/// # Errors
/// As [`lines`].
pub(crate) fn code(text: &str) -> Result<String, Control> {
    let text = lines(text)?;
    let characters = text.chars().map(|character| match character {
        '\n' => ' ',
        other => ascii_digit(other).unwrap_or(other),
    });
    Ok(characters.collect())
}

/// The ASCII digit of a decimal digit of any script.
fn ascii_digit(character: char) -> Option<char> {
    let code = u32::from(character);
    let script = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    char::from_digit(code - ZEROS[script], 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_is_one_and_a_tab_is_a_blank() {
        for (typed, read) in [
            ("one\r\ntwo", "one\ntwo"),
            ("one\rtwo", "one\ntwo"),
            ("one\ntwo", "one\ntwo"),
            ("one\u{2028}two\u{2029}three\u{85}four", "one\ntwo\nthree\nfour"),
            ("one\r\n\r\ntwo\n\rthree", "one\n\ntwo\n\nthree"),
            ("12\tLake Road", "12 Lake Road"),
            (" \t\r\n\u{a0}Thamel\r\n", "Thamel"),
            ("\r\n\t", ""),
            ("नमस्ते १२\u{200d}", "नमस्ते १२\u{200d}"),
        ] {
            assert_eq!(lines(typed).as_deref(), Ok(read), "{typed:?}");
        }
    }

    #[test]
    fn any_other_control_character_is_named_with_its_place() {
        for character in (0..=0x9f).filter_map(char::from_u32).filter(|c| c.is_control()) {
            let read = lines(&format!("é{character}b"));
            if "\t\n\r\u{b}\u{c}\u{85}".contains(character) {
                assert!(read.is_ok(), "{character:?}");
            } else {
                let place = 2;
                assert_eq!(read, Err(Control { character, place }));
            }
        }
    }

    #[test]
    fn a_code_has_ascii_digits_and_one_line() {
        for (typed, read) in [
            ("९८००००००००", "9800000000"),
            ("+٩٧٧ ٩٨٠", "+977 980"),
            ("۴۴۶۰۰", "44600"),
            ("９８-００", "98-00"),
            ("𝟗𝟖", "98"),
            ("SW1A 1AA", "SW1A 1AA"),
            ("9800\r\n0000", "9800 0000"),
            ("½ ② Ⅷ 八", "½ ② Ⅷ 八"),
        ] {
            assert_eq!(code(typed).as_deref(), Ok(read), "{typed:?}");
        }
    }

    #[test]
    fn each_script_has_its_ten_digits_and_nothing_beside_them() {
        for zero in ZEROS {
            let digits: String = (zero..zero + 10).filter_map(char::from_u32).collect();
            assert_eq!(code(&digits).as_deref(), Ok("0123456789"), "{zero:x}");
        }
        assert!(ZEROS.is_sorted());
        for beside in ['\u{965}', '\u{970}', '\u{65f}', '\u{66a}', '/', ':'] {
            assert_eq!(ascii_digit(beside), None, "{beside:?}");
        }
    }
}
