extension FixedWidthInteger {
    /// Reads decimal digits and nothing else: no sign, no space. Nil where it is empty, has
    /// another character, or does not fit.
    package init?(plainDigits text: some StringProtocol) {
        let isDigit = { (byte: UInt8) in byte &- UInt8(ascii: "0") < 10 }
        guard !text.isEmpty, text.utf8.allSatisfy(isDigit) else { return nil }
        self.init(text, radix: 10)
    }
}
