extension JSONText {
    /// The same object without the top-level members called `name`, be it spelled with escapes; the
    /// others keep their bytes and their order. Itself where there are none, or this is no object.
    package func without(_ name: String) -> JSONText {
        guard mayHave(name), member(name) != nil else { return self }
        var rest = [ASCII.openBrace]
        for member in topLevelMembers where self.name(member.key) != name {
            if rest.count > 1 { rest.append(ASCII.comma) }
            // The key's range is what is between its quotes.
            rest += bytes[member.key.range.lowerBound - 1..<member.value.range.upperBound]
        }
        rest.append(ASCII.closeBrace)
        return JSONText(trusted: rest)
    }

    /// Whether a member of that name can be in it: its bytes are, or an escape is that may spell
    /// them. Costs a look at each byte, which is less than reading.
    private func mayHave(_ name: String) -> Bool {
        let name = Array(name.utf8)
        guard let first = name.first else { return true }
        return bytes.withUnsafeBufferPointer { bytes in
            bytes.indices.contains { place in
                let byte = bytes[place]
                return byte == ASCII.backslash
                    || byte == first && bytes[place...].starts(with: name)
            }
        }
    }
}
