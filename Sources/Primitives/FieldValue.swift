extension String {
    /// Whether it may be the value of a header (RFC 9110, 5.5): no control character but the tab is
    /// in it, and so no line break.
    package var isFieldValue: Bool {
        utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
}
