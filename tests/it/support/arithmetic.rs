//! The value of a formula like `(a + b) / c` over parts that are named by letters.

/// Evaluates; an error says where the formula cannot be read.
pub fn evaluate(formula: &str, parts: &[f64]) -> Result<f64, String> {
    let mut reader = Reader { rest: formula, parts };
    let value = reader.sum()?;
    reader.skip();
    if reader.rest.is_empty() { Ok(value) } else { Err(format!("{formula:?}: not understood from {:?}", reader.rest)) }
}

struct Reader<'a> {
    rest: &'a str,
    parts: &'a [f64],
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, sign: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value += self.product()?;
            } else if self.take('-') {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.factor()?;
        loop {
            if self.take('*') {
                value *= self.factor()?;
            } else if self.take('/') {
                value /= self.factor()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn factor(&mut self) -> Result<f64, String> {
        if self.take('(') {
            let value = self.sum()?;
            return if self.take(')') { Ok(value) } else { Err("a parenthesis is not closed".to_owned()) };
        }
        self.skip();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if let Ok(number) = word.parse() {
            return Ok(number);
        }
        let [letter @ b'a'..=b'z'] = word.as_bytes() else {
            return Err(format!("{word:?} is no letter and no number"));
        };
        let part = self.parts.get(usize::from(letter - b'a'));
        part.copied().ok_or_else(|| format!("there is no part {word}"))
    }
}

#[test]
fn formulas_are_read_as_people_read_them() {
    let cases = [
        ("a", Ok(12.0)),
        ("a - b - c", Ok(7.0)),
        ("(a + b) / c * 2", Ok(32.0)),
        ("a / b / 2 - 0.5", Ok(1.0)),
        ("a + b * c", Ok(16.0)),
        ("0 * a", Ok(0.0)),
        ("d", Err("there is no part d".to_owned())),
        ("(a", Err("a parenthesis is not closed".to_owned())),
    ];
    for (formula, expected) in cases {
        assert_eq!(evaluate(formula, &[12.0, 4.0, 1.0]), expected, "{formula}");
    }
}
