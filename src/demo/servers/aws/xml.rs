//! The XML answers of awsQuery services.

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use super::failure::Failure;

/// A document being written.
pub struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Xml {
    /// The answer of an operation: `<OPResponse xmlns=…><OPResult>…</OPResult><ResponseMetadata>…`.
    ///
    /// # Errors
    /// What `result` fails with; nothing is written then.
    pub fn answer(
        operation: &str,
        namespace: &str,
        request_id: &str,
        result: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<Vec<u8>, Failure> {
        let mut xml = Self { writer: Writer::new(Vec::new()) };
        let response = format!("{operation}Response");
        xml.event(Event::Start(BytesStart::new(response.as_str()).with_attributes([("xmlns", namespace)])));
        let mut outcome = Ok(());
        xml.nest(&format!("{operation}Result"), |xml| outcome = result(xml));
        outcome?;
        xml.nest("ResponseMetadata", |xml| xml.text("RequestId", request_id));
        xml.event(Event::End(BytesEnd::new(response.as_str())));
        Ok(xml.writer.into_inner())
    }

    /// The `ErrorResponse` of a failure.
    #[must_use]
    pub fn error(failure: &Failure, request_id: &str) -> Vec<u8> {
        let mut xml = Self { writer: Writer::new(Vec::new()) };
        xml.nest("ErrorResponse", |xml| {
            xml.nest("Error", |xml| {
                xml.text("Type", failure.side());
                xml.text("Code", failure.code);
                xml.text("Message", &failure.message);
            });
            xml.text("RequestId", request_id);
        });
        xml.writer.into_inner()
    }

    fn event(&mut self, event: Event<'_>) {
        // Writing to a vector cannot fail.
        let _ = self.writer.write_event(event);
    }

    pub fn nest(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.event(Event::Start(BytesStart::new(name)));
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    pub fn text(&mut self, name: &str, text: &str) {
        self.nest(name, |xml| xml.event(Event::Text(BytesText::new(text))));
    }

    pub fn number(&mut self, name: &str, number: impl Into<i64>) {
        self.text(name, &number.into().to_string());
    }

    pub fn flag(&mut self, name: &str, flag: bool) {
        self.text(name, if flag { "true" } else { "false" });
    }

    /// A moment given in milliseconds, as ISO 8601 in UTC.
    pub fn time(&mut self, name: &str, at: i64) {
        if let Ok(moment) = jiff::Timestamp::from_millisecond(at) {
            self.text(name, &moment.to_string());
        }
    }

    /// An optional text: absent elements are left out.
    pub fn maybe(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A list whose elements are named `member`.
    pub fn list<T>(
        &mut self,
        name: &str,
        member: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.nest(name, |xml| {
            for item in items {
                xml.nest(member, |xml| each(xml, item));
            }
        });
    }

    /// A list of texts.
    pub fn texts<'a>(&mut self, name: &str, member: &str, items: impl IntoIterator<Item = &'a str>) {
        self.list(name, member, items, |xml, item| xml.event(Event::Text(BytesText::new(item))));
    }
}
