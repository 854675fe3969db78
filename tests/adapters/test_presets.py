from callout.adapters.presets import preset_texts


def test_every_text_beside_the_module_is_returned_by_its_name():
    texts = preset_texts()
    assert {"payments.yaml", "cloud.yaml"} <= texts.keys()
    assert all(name.endswith(".yaml") and text for name, text in texts.items())
