//! Resource quantities ("1000m", "16Gi") in the canonical form that kube-apiserver answers with.

use thiserror::Error;

/// Not a quantity. The wording is kube-apiserver's.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
pub(crate) struct NotAQuantity;

const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
/// Quantities are kept to a billionth; what is finer is rounded up.
const FINEST: i32 = -9;

enum Format {
    Binary,
    Decimal,
    Exponent,
}

/// The canonical form of a quantity: no fraction, the largest suffix that keeps it exact.
pub(crate) fn canonical(text: &str) -> Result<String, NotAQuantity> {
    let digits_end = text
        .char_indices()
        .find(|(at, letter)| !(letter.is_ascii_digit() || *letter == '.' || (*at == 0 && matches!(letter, '+' | '-'))))
        .map_or(text.len(), |(at, _)| at);
    let (number, suffix) = text.split_at(digits_end);
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(NotAQuantity);
    }
    let (format, shift, power_of_ten) = scale(suffix)?;
    let billionths = billionths(whole, fraction, shift, power_of_ten).ok_or(NotAQuantity)?;
    let sign = if negative && billionths != 0 { "-" } else { "" };
    Ok(format!("{sign}{}", written(billionths, &format)))
}

fn scale(suffix: &str) -> Result<(Format, u32, i32), NotAQuantity> {
    if let Some((_, shift)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Ok((Format::Binary, *shift, 0));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Ok((Format::Decimal, 0, *power));
    }
    let exponent = suffix.strip_prefix(['e', 'E']).ok_or(NotAQuantity)?;
    Ok((Format::Exponent, 0, exponent.parse().map_err(|_| NotAQuantity)?))
}

/// The value in billionths, rounded up, or `None` where it is beyond what can be held.
fn billionths(whole: &str, fraction: &str, shift: u32, power_of_ten: i32) -> Option<i128> {
    let mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let mantissa = mantissa.checked_mul(1_i128.checked_shl(shift)?)?;
    let exponent = power_of_ten - i32::try_from(fraction.len()).ok()? - FINEST;
    if exponent >= 0 {
        mantissa.checked_mul(10_i128.checked_pow(u32::try_from(exponent).ok()?)?)
    } else {
        let divisor = 10_i128.checked_pow(u32::try_from(-exponent).ok()?)?;
        Some(mantissa / divisor + i128::from(mantissa % divisor != 0))
    }
}

fn written(billionths: i128, format: &Format) -> String {
    const ONE: i128 = 1_000_000_000;
    if billionths == 0 {
        return "0".to_owned();
    }
    // A binary quantity below one, or with a fraction, is written in the decimal form.
    if let (Format::Binary, true) = (format, billionths % ONE == 0 && billionths / ONE >= 1024) {
        let units = billionths / ONE;
        let fits = BINARY.iter().rev().find(|(_, shift)| units % (1_i128 << shift) == 0);
        return match fits {
            Some((suffix, shift)) => format!("{}{suffix}", units >> shift),
            None => units.to_string(),
        };
    }
    let mut power = FINEST;
    let mut mantissa = billionths;
    while mantissa % 1000 == 0 && power < 18 {
        mantissa /= 1000;
        power += 3;
    }
    match format {
        Format::Exponent if power == 0 => mantissa.to_string(),
        Format::Exponent => format!("{mantissa}e{power}"),
        _ => {
            let suffix = DECIMAL.iter().find(|(_, known)| *known == power).map_or("", |(name, _)| name);
            format!("{mantissa}{suffix}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_take_the_largest_exact_suffix() {
        for (given, canonical_form) in [
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1024Mi", "1Gi"),
            ("1536Mi", "1536Mi"),
            ("0.5", "500m"),
            ("110", "110"),
            ("1000", "1k"),
            ("16384000Ki", "16000Mi"),
            ("32824132Ki", "32824132Ki"),
            ("0", "0"),
            ("0Ki", "0"),
            ("-1000m", "-1"),
            ("1e3", "1e3"),
            ("0.5Gi", "512Mi"),
            ("100", "100"),
            ("+5", "5"),
        ] {
            assert_eq!(canonical(given).as_deref(), Ok(canonical_form), "{given}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for given in ["", "x", "1x", "Gi", "1..2", "--1", "1e"] {
            assert_eq!(canonical(given), Err(NotAQuantity), "{given}");
        }
    }
}
